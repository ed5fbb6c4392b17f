#if HTTP
/// What was learned of hosts' addresses: what DNS said, for a while, and which of them gave no answer.
struct AddressBook {
    /// More addresses than these of one host are not remembered.
    static let maxAddresses = 16

    private struct Page {
        var addresses: [IPAddress]
        /// Those that gave no answer last time, the latest of them at the end.
        var unanswered: [IPAddress]
        var freshUntil: Duration
    }

    private var pages: [String: Page] = [:]

    /// The addresses to try in turn, or `nil` where DNS must be asked.
    func addresses(of host: String, now: Duration) -> [IPAddress]? {
        guard let page = pages[host], now < page.freshUntil else { return nil }
        return page.addresses
    }

    /// The addresses to try in turn, fresh or not.
    func inOrder(_ host: String) -> [IPAddress] { pages[host]?.addresses ?? [] }

    /// Takes what DNS said. Addresses that gave no answer stay behind the others.
    mutating func learn(_ addresses: [IPAddress], of host: String, freshUntil: Duration) {
        let kept = addresses.prefix(Self.maxAddresses)
        let unanswered = (pages[host]?.unanswered ?? []).filter(kept.contains)
        pages[host] = Page(
            addresses: kept.filter { !unanswered.contains($0) } + unanswered, unanswered: unanswered,
            freshUntil: freshUntil)
    }

    /// Lets the others of `host` be tried before `address`.
    mutating func gaveNoAnswer(_ address: IPAddress, of host: String) {
        guard var page = pages[host], let place = page.addresses.firstIndex(of: address) else { return }
        page.addresses.append(page.addresses.remove(at: place))
        page.unanswered.removeAll { $0 == address }
        page.unanswered.append(address)
        pages[host] = page
    }

    /// Takes `address` for as good as any other again.
    mutating func answered(_ address: IPAddress, of host: String) {
        pages[host]?.unanswered.removeAll { $0 == address }
    }

    /// Lets DNS be asked again.
    mutating func expire(_ host: String) {
        pages[host]?.freshUntil = .zero
    }
}
#endif
