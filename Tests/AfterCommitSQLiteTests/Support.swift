#if SQLite
import AfterCommitSQLite
#endif
