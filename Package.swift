// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "AfterCommit",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "AfterCommit", targets: ["AfterCommit"]),
        .library(name: "AfterCommitLMDB", targets: ["AfterCommitLMDB"]),
        .library(name: "AfterCommitSQLite", targets: ["AfterCommitSQLite"]),
        .library(name: "AfterCommitPostgres", targets: ["AfterCommitPostgres"]),
        .library(name: "AfterCommitHTTP", targets: ["AfterCommitHTTP"]),
        .library(name: "AfterCommitRabbitMQ", targets: ["AfterCommitRabbitMQ"]),
        .library(name: "AfterCommitKafka", targets: ["AfterCommitKafka"]),
        .library(name: "AfterCommitConfiguration", targets: ["AfterCommitConfiguration"]),
        .library(name: "AfterCommitTesting", targets: ["AfterCommitTesting"]),
        .executable(name: "place-order", targets: ["PlaceOrder"]),
    ],
    traits: [
        .trait(name: "LMDB", description: "The durable queue on LMDB (needs liblmdb-dev)."),
        .trait(name: "SQLite", description: "Outbox and status column in SQLite, with GRDB (needs libsqlite3-dev)."),
        .trait(name: "Postgres", description: "Outbox and status column in PostgreSQL, with libpq (needs libpq-dev)."),
        .trait(name: "HTTP", description: "Delivery over HTTP with async-http-client."),
        .trait(name: "RabbitMQ", description: "To and from RabbitMQ, with rabbitmq-c (needs librabbitmq-dev)."),
        .trait(name: "Kafka", description: "To and from Kafka, with librdkafka (needs librdkafka-dev)."),
        .trait(name: "Configuration", description: "Settings from swift-configuration."),
        .trait(
            name: "Example", description: "The runnable example, place-order.",
            enabledTraits: ["LMDB", "HTTP"]),
        .default(enabledTraits: ["LMDB", "HTTP", "Configuration", "Example"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.2.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.5.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
        // Fetched only when a trait below asks for them.
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", "3.12.3"..<"5.0.0"),
        // For the certificates of tests.
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.10.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.1.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.15.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
    ],
    targets: [
        .target(
            name: "AfterCommit",
            dependencies: [
                .product(name: "Logging", package: "swift-log"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .systemLibrary(
            name: "CLMDB", pkgConfig: "lmdb",
            providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
        .target(
            name: "AfterCommitLMDB",
            dependencies: [
                "AfterCommit",
                .target(name: "CLMDB", condition: .when(traits: ["LMDB"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "AfterCommitSQLite",
            dependencies: [
                "AfterCommit",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .systemLibrary(
            name: "CLibPQ", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(
            name: "AfterCommitPostgres",
            dependencies: [
                "AfterCommit",
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "AfterCommitHTTP",
            dependencies: [
                "AfterCommit",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(
                    name: "AsyncHTTPClient", package: "async-http-client",
                    condition: .when(traits: ["HTTP"])),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["HTTP"])),
                .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["HTTP"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["HTTP"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["HTTP"])),
                .product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["HTTP"])),
            ]),
        .systemLibrary(
            name: "CRabbitMQ", pkgConfig: "librabbitmq",
            providers: [.apt(["librabbitmq-dev"]), .brew(["rabbitmq-c"])]),
        .target(
            name: "AfterCommitRabbitMQ",
            dependencies: [
                "AfterCommit",
                .target(name: "CRabbitMQ", condition: .when(traits: ["RabbitMQ"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .systemLibrary(
            name: "CRDKafka", pkgConfig: "rdkafka",
            providers: [.apt(["librdkafka-dev"]), .brew(["librdkafka"])]),
        .target(
            name: "AfterCommitKafka",
            dependencies: [
                "AfterCommit",
                .target(name: "CRDKafka", condition: .when(traits: ["Kafka"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "AfterCommitConfiguration",
            dependencies: [
                "AfterCommit", "AfterCommitLMDB", "AfterCommitHTTP",
                .product(
                    name: "Configuration", package: "swift-configuration",
                    condition: .when(traits: ["Configuration"])),
            ]),
        .target(
            name: "AfterCommitTesting",
            dependencies: [
                "AfterCommit",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "PlaceOrder",
            dependencies: [
                "AfterCommit", "AfterCommitLMDB", "AfterCommitSQLite", "AfterCommitPostgres", "AfterCommitHTTP",
                "AfterCommitRabbitMQ", "AfterCommitKafka",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(
                    name: "Hummingbird", package: "hummingbird",
                    condition: .when(traits: ["Example"])),
                .product(
                    name: "AsyncHTTPClient", package: "async-http-client",
                    condition: .when(traits: ["Example"])),
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Example"])),
            ]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "AfterCommit", "AfterCommitLMDB", "AfterCommitSQLite", "AfterCommitPostgres", "AfterCommitRabbitMQ",
                "AfterCommitKafka", "TestSupport",
                .target(name: "CLMDB", condition: .when(traits: ["LMDB"])),
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
                .target(name: "CRabbitMQ", condition: .when(traits: ["RabbitMQ"])),
                .target(name: "CRDKafka", condition: .when(traits: ["Kafka"])),
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Benchmarks"),
        .target(name: "TestSupport", dependencies: ["AfterCommit"], path: "Tests/TestSupport"),
        .testTarget(
            name: "AfterCommitTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "FaultProbe", "TestSupport",
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitLMDB", "AfterCommitSQLite", "AfterCommitPostgres",
                "FaultProbe", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
            ]),
        .executableTarget(
            name: "FaultProbe",
            dependencies: [
                "AfterCommit", "AfterCommitLMDB", "AfterCommitSQLite", "AfterCommitPostgres", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/FaultProbe"),
        .testTarget(
            name: "AfterCommitLMDBTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitLMDB", "FaultProbe", "TestSupport",
                .target(name: "CLMDB", condition: .when(traits: ["LMDB"])),
            ]),
        .testTarget(
            name: "AfterCommitSQLiteTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitSQLite", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "AfterCommitPostgresTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitPostgres", "TestSupport",
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
            ]),
        .testTarget(
            name: "AfterCommitHTTPTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitHTTP",
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["HTTP"])),
                .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["HTTP"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["HTTP"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["HTTP"])),
                .product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["HTTP"])),
                .product(name: "X509", package: "swift-certificates", condition: .when(traits: ["HTTP"])),
                .product(name: "SwiftASN1", package: "swift-asn1", condition: .when(traits: ["HTTP"])),
            ]),
        .testTarget(
            name: "AfterCommitRabbitMQTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitLMDB", "AfterCommitRabbitMQ", "TestSupport",
                .target(name: "CRabbitMQ", condition: .when(traits: ["RabbitMQ"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "AfterCommitKafkaTests",
            dependencies: [
                "AfterCommit", "AfterCommitTesting", "AfterCommitLMDB", "AfterCommitKafka", "TestSupport",
                .target(name: "CRDKafka", condition: .when(traits: ["Kafka"])),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "AfterCommitConfigurationTests",
            dependencies: [
                "AfterCommit", "AfterCommitLMDB", "AfterCommitHTTP", "AfterCommitConfiguration",
                .product(
                    name: "Configuration", package: "swift-configuration",
                    condition: .when(traits: ["Configuration"])),
            ]),
        .testTarget(
            name: "PlaceOrderTests",
            dependencies: ["AfterCommit", "AfterCommitTesting", "PlaceOrder", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
}
