swift build --product place-order --traits Example,Postgres,RabbitMQ,Kafka --scratch-path .build-brokers
place_order=.build-brokers/debug/place-order
orders=postgresql://localhost/orders
platform=postgresql://localhost/platform
broker=amqp://localhost

# Two shops, two relays, one consumer, each in a terminal of its own.
$place_order serve --storage outbox --database postgres --database-url $orders --without-delivery --port 8080
$place_order serve --storage outbox --database postgres --database-url $orders --without-delivery --port 8081
$place_order relay --database postgres --database-url $orders --to rabbitmq --broker $broker
$place_order relay --database postgres --database-url $orders --to rabbitmq --broker $broker
$place_order consumer --from rabbitmq --broker $broker --database postgres --database-url $platform --port 8082
