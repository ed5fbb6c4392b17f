#if Example
import Foundation

/// What a customer asks for.
struct OrderRequest: Codable, Sendable, Hashable {
    var customer: String
    var lines: [Line]

    struct Line: Codable, Sendable, Hashable {
        var article: String
        var quantity: Int
        var unitPrice: Decimal
    }

    /// What the lines cost together.
    var total: Decimal {
        lines.reduce(0) { $0 + Decimal($1.quantity) * $1.unitPrice }
    }

    /// - Throws: ``OrderRejection`` for an order the shop does not take.
    func validate() throws(OrderRejection) {
        guard !customer.isEmpty else { throw OrderRejection("an order needs a customer") }
        guard !lines.isEmpty, lines.count <= 100 else { throw OrderRejection("an order has 1 to 100 lines") }
        for line in lines {
            guard !line.article.isEmpty else { throw OrderRejection("a line needs an article") }
            guard (1...10_000).contains(line.quantity) else { throw OrderRejection("a quantity is 1 to 10,000") }
            guard line.unitPrice >= 0 else { throw OrderRejection("a price is not negative") }
        }
    }
}

/// An order the shop does not take, whatever the storage says.
struct OrderRejection: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
#endif
