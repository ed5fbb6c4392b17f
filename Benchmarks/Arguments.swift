/// `Benchmarks [--rounds N] [--json PATH] [FILTER]`
struct Arguments {
    var rounds = 7
    var jsonPath = "bench.json"
    /// Only chapters that have a line which contains it are measured.
    var filter = ""
    /// Given by the program to itself: where the store is whose memory use is measured.
    var memoryOf: String?

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ words: [String]) throws(Failure) {
        var words = words[...]
        func value(of option: String) throws(Failure) -> String {
            guard let value = words.popFirst() else { throw Failure(description: "\(option) needs a value") }
            return value
        }
        while let word = words.popFirst() {
            switch word {
            case "--rounds":
                guard let number = Int(try value(of: word)), number > 0 else {
                    throw Failure(description: "--rounds needs a number from 1 on")
                }
                rounds = number
            case "--json": jsonPath = try value(of: word)
            case "--memory-of": memoryOf = try value(of: word)
            case _ where word.hasPrefix("-"):
                throw Failure(
                    description: "\(word) is unknown; usage: Benchmarks [--rounds N] [--json PATH] [FILTER]")
            default: filter = word
            }
        }
    }
}
