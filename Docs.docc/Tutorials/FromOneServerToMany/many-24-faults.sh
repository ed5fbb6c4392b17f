sudo rabbitmqctl stop_app          # the broker is away
curl -d '{"customer":"ada","lines":[{"article":"tea","quantity":2,"unitPrice":3.5}]}' http://127.0.0.1:8081/orders
curl http://127.0.0.1:8082/mock/orders

sudo rabbitmqctl start_app         # and back
sleep 30
curl http://127.0.0.1:8082/mock/orders
