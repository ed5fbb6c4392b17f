createdb shop
createdb data_platform
place_order=.build-distributed/debug/place-order          # make demo-distributed has built it
shop=postgresql://localhost/shop
platform=postgresql://localhost/data_platform
broker=amqp://localhost

# Two shops, two relays and one consumer, each in a terminal of its own.
$place_order serve --storage outbox --database postgres --database-url $shop --without-delivery --port 8080
$place_order serve --storage outbox --database postgres --database-url $shop --without-delivery --port 8081
$place_order relay --database postgres --database-url $shop --to rabbitmq --broker $broker
$place_order relay --database postgres --database-url $shop --to rabbitmq --broker $broker
$place_order consumer --from rabbitmq --broker $broker --database postgres --database-url $platform --port 8082
