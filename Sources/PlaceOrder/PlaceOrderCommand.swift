#if Example
    import ArgumentParser

    /// The runnable example: a shop that never loses an order's event.
    @main
    struct PlaceOrderCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "place-order",
            abstract: "Place orders; their events reach the data platform after the commit, or you see why not.",
            subcommands: [RunCommand.self, ServeCommand.self, PlatformCommand.self, ResumeCommand.self],
            defaultSubcommand: RunCommand.self)
    }
#else
    @main
    enum PlaceOrderCommand {
        static func main() {
            print("place-order needs the package trait 'Example': build it with --traits Example")
        }
    }
#endif
