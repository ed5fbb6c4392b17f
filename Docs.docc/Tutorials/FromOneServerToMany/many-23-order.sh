# An order goes in at one end.
curl -d '{"customer":"ada","lines":[{"article":"tea","quantity":2,"unitPrice":3.5}]}' http://127.0.0.1:8080/orders

# At the other it is counted.
curl http://127.0.0.1:8082/mock/orders
