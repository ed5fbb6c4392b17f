// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Shop",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "AfterCommit", path: "../AfterCommit", traits: ["Postgres"]),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "Shop",
            dependencies: [
                .product(name: "AfterCommit", package: "AfterCommit"),
                .product(name: "AfterCommitPostgres", package: "AfterCommit"),
                .product(name: "Logging", package: "swift-log"),
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
