// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Outage",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "AfterCommit", path: "../AfterCommit", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "Outage",
            dependencies: [
                .product(name: "AfterCommit", package: "AfterCommit"),
                .product(name: "Logging", package: "swift-log"),
            ])
    ]
)
