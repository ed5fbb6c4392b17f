# An order goes in at one end.
curl -d '{"customer":"ada","lines":[{"article":"tea","quantity":2,"unitPrice":3.5}]}' http://127.0.0.1:8080/orders

# It is known at the other.
curl http://127.0.0.1:8082/mock/orders
