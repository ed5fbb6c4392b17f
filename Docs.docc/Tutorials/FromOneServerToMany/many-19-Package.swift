// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Shop",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "AfterCommit", path: "../AfterCommit", traits: ["Postgres", "RabbitMQ", "Kafka"]),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "Shop",
            dependencies: [
                .product(name: "AfterCommit", package: "AfterCommit"),
                .product(name: "AfterCommitPostgres", package: "AfterCommit"),
                .product(name: "AfterCommitRabbitMQ", package: "AfterCommit"),
                .product(name: "AfterCommitKafka", package: "AfterCommit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "ShopTests",
            dependencies: [
                "Shop",
                .product(name: "AfterCommit", package: "AfterCommit"),
                .product(name: "AfterCommitTesting", package: "AfterCommit"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ]
)
