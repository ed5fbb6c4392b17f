import AfterCommit

struct DataPlatformMessaging: Sendable {
    let dataPlatform: any DataPlatform

    var subscription: Subscription {
        Subscription("data-platform", to: OrderPlaced.self, policy: .http) { event, context in
            try await dataPlatform.publish(event, idempotencyKey: context.idempotencyKey)
        }
    }
}
