#if Example
import Foundation

/// Durations as people write them: `20ms`, `2s`, `1.5s`, `3m`.
enum DurationText {
    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ms", 1e6), ("us", 1e3), ("s", 1e9), ("m", 60e9),
    ]

    /// The duration of the text, or `nil` for a text that is none. The longest is a day.
    static func duration(_ text: String) -> Duration? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard let first = digits.first, first.isASCII, first.isNumber,
            digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits)
        else { return nil }
        let nanoseconds = number * unit.nanoseconds
        guard nanoseconds <= 86_400e9 else { return nil }
        return .nanoseconds(Int64(nanoseconds.rounded()))
    }

    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.milliseconds
        return milliseconds == milliseconds.rounded() ? "\(Int(milliseconds))ms" : "\(milliseconds)ms"
    }

    /// A time such as `2s..15s`, or `nil` for a text that is none.
    static func range(_ text: String) -> Range<Duration>? {
        guard let dots = text.range(of: ".."), let from = duration(String(text[..<dots.lowerBound])),
            let to = duration(String(text[dots.upperBound...])), from < to
        else { return nil }
        return from..<to
    }
}
#endif
