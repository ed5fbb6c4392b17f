// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Shop",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "AfterCommit", path: "../AfterCommit", traits: ["LMDB", "SQLite"]),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "Shop",
            dependencies: [
                .product(name: "AfterCommit", package: "AfterCommit"),
                .product(name: "AfterCommitLMDB", package: "AfterCommit"),
                .product(name: "AfterCommitSQLite", package: "AfterCommit"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "ShopTests",
            dependencies: [
                "Shop",
                .product(name: "AfterCommit", package: "AfterCommit"),
                .product(name: "AfterCommitLMDB", package: "AfterCommit"),
                .product(name: "AfterCommitSQLite", package: "AfterCommit"),
                .product(name: "AfterCommitTesting", package: "AfterCommit"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ]
)
