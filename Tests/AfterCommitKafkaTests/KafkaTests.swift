#if Kafka
#endif
