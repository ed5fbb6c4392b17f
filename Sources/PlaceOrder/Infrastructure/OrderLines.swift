#if Example
import Foundation

/// An order's lines in a column.
enum OrderLines {
    static func text(_ lines: [OrderRequest.Line]) throws -> String {
        String(decoding: try JSONEncoder().encode(lines), as: UTF8.self)
    }

    static func lines(_ text: String) throws -> [OrderRequest.Line] {
        try JSONDecoder().decode([OrderRequest.Line].self, from: Data(text.utf8))
    }
}
#endif
