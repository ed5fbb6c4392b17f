#if Example
import Foundation

/// An order that was placed.
struct Order: Codable, Sendable, Hashable {
    var id: UUID
    var customer: String
    var lines: [OrderRequest.Line]
    var total: Decimal
}
#endif
