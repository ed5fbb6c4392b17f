#if Example
import ArgumentParser

/// The runnable example: a shop that never loses an order's event.
@main
struct PlaceOrderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "place-order",
        abstract: "Place orders; their events reach the data platform after the commit, or you see why not.",
        subcommands: [
            RunCommand.self, ServeCommand.self, RelayCommand.self, PlatformCommand.self, ConsumerCommand.self,
            ResumeCommand.self, MockKafkaCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
#else
import Foundation

@main
enum PlaceOrderCommand {
    static func main() {
        let message = "place-order needs the package trait 'Example', which is on by default.\n"
        FileHandle.standardError.write(Data(message.utf8))
        exit(EXIT_FAILURE)
    }
}
#endif
