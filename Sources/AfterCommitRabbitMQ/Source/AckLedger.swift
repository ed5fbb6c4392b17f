#if RabbitMQ
import AfterCommit

/// What a channel has given out and was not told of, and how to tell it in few words: one `multiple` stands for all up to a
/// tag, once nothing before it is open.
struct AckLedger {
    /// What is sent to the broker.
    enum Command: Hashable {
        case accept(tag: UInt64, multiple: Bool)
        /// To the dead letters, or back to the queue.
        case refuse(tag: UInt64, multiple: Bool, requeue: Bool)
    }

    private enum Fate: Hashable {
        case accepted
        case rejected
        case returned

        init(_ outcome: MessageSettlement.Outcome) {
            self =
                switch outcome {
                case .accepted: .accepted
                case .rejected: .rejected
                case .returned: .returned
                }
        }

        func command(tag: UInt64, multiple: Bool) -> Command {
            switch self {
            case .accepted: .accept(tag: tag, multiple: multiple)
            case .rejected: .refuse(tag: tag, multiple: multiple, requeue: false)
            case .returned: .refuse(tag: tag, multiple: multiple, requeue: true)
            }
        }
    }

    /// By their tags, which count up from 1: the one at `head` is what tag `firstTag` stands for.
    private var isOpen: [Bool] = []
    private var head = 0
    private var firstTag: UInt64 = 1

    private(set) var count = 0

    /// A message was given out; tags come one after another.
    mutating func delivered(tag: UInt64) {
        if isOpen.isEmpty { firstTag = tag }
        // A broker that left tags out would have given out nothing for them.
        while firstTag + UInt64(isOpen.count) < tag { isOpen.append(false) }
        isOpen.append(true)
        count += 1
    }

    /// - Returns: what to send, in order. Tags that are not open are left out: the broker closes the channel for them.
    mutating func settle(_ settlements: [(tag: UInt64, outcome: MessageSettlement.Outcome)]) -> [Command] {
        var fates: [UInt64: Fate] = [:]
        for settlement in settlements where isOpen(settlement.tag) && fates[settlement.tag] == nil {
            fates[settlement.tag] = Fate(settlement.outcome)
        }
        var commands: [Command] = []
        var run: (tag: UInt64, fate: Fate, count: Int)?
        func endRun() {
            guard let ended = run else { return }
            commands.append(ended.fate.command(tag: ended.tag, multiple: ended.count > 1))
            run = nil
        }
        for (tag, fate) in fates.sorted(by: { $0.key < $1.key }) {
            advance()
            // Nothing open before it: it may join what is told of at once.
            let isFirst = firstTag + UInt64(head) == tag
            if isFirst, let current = run, current.fate == fate {
                run = (tag, fate, current.count + 1)
            } else {
                endRun()
                run = (tag, fate, 1)
                if !isFirst { endRun() }
            }
            isOpen[Int(tag - firstTag)] = false
            count -= 1
        }
        endRun()
        advance()
        return commands
    }

    private func isOpen(_ tag: UInt64) -> Bool {
        guard tag >= firstTag, tag - firstTag < UInt64(isOpen.count) else { return false }
        return isOpen[Int(tag - firstTag)]
    }

    private mutating func advance() {
        while head < isOpen.count, !isOpen[head] { head += 1 }
        guard head > 1_024, head > isOpen.count / 2 else { return }
        isOpen.removeFirst(head)
        firstTag += UInt64(head)
        head = 0
    }
}
#endif
