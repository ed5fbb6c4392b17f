#if RabbitMQ
#endif
