#if HTTP
/// Which addresses events may be sent to.
///
/// Whoever can choose a receiver's URL, or answer for its name in DNS, could otherwise have this server call machines
/// that only this server can reach. The rules are applied to the address that is connected to, after DNS.
///
/// ```swift
/// .publicOnly                                   // a receiver outside: the default
/// .publicOnly.allowing(.private)                // the data platform in our own network, too
/// .publicOnly.allowing(.loopback)               // a test's or a sidecar's receiver
/// ```
public struct AddressRules: Hashable, Sendable {
    /// The kinds of addresses that are allowed.
    public var kinds: Set<AddressKind>

    public init(kinds: Set<AddressKind>) {
        self.kinds = kinds
    }

    /// Addresses of the internet only.
    public static let publicOnly = Self(kinds: [.public])

    /// These rules, and addresses of `kinds` too.
    public func allowing(_ kinds: AddressKind...) -> Self {
        Self(kinds: self.kinds.union(kinds))
    }

    /// Whether events may be sent to `address`.
    public func allow(_ address: IPAddress) -> Bool {
        kinds.contains(address.kind)
    }
}
#endif
