#if Postgres
import AfterCommitPostgres
#endif
