import Foundation

/// How objects and arrays are opened, filled and closed.
extension JSONWriter {
    /// Opens an object or an array, or goes on with the one that the same encoder has opened.
    func open(_ serial: UInt64, depth: Int, isObject: Bool) {
        if levels.count > depth, levels[depth].serial == serial, levels[depth].isObject == isObject {
            close(to: depth + 1)
            return
        }
        guard beginValue(at: depth) else { return }
        isValueDue = false
        levels.append(Level(serial: serial, isObject: isObject, firstName: names.count))
        put(isObject ? 0x7B : 0x5B)
    }

    /// Opens a container in another one, where a value is due.
    /// - Returns: its serial.
    func openNested(isObject: Bool) -> UInt64 {
        serial &+= 1
        open(serial, depth: levels.count, isObject: isObject)
        return serial
    }

    /// Closes what was opened further in.
    func close(to depth: Int) {
        while levels.count > depth, let level = levels.popLast() {
            // A name without its value.
            if isValueDue { giveUp() }
            isValueDue = false
            if level.isObject, names.count > level.firstName {
                names.removeSubrange(level.firstName...)
            }
            put(level.isObject ? 0x7D : 0x5D)
        }
    }

    /// Begins a member of the object that `serial` opened.
    func beginMember(_ serial: UInt64, depth: Int, _ name: String) -> Bool {
        guard beginItem(serial, depth: depth) else { return false }
        let start = count
        writeText(name)
        let range = start..<count
        put(0x3A)
        noteName(range)
        return !hasGivenUp
    }

    /// Begins an item of the array, or a member of the object, that `serial` opened.
    func beginItem(_ serial: UInt64, depth: Int) -> Bool {
        if levels.count > depth + 1 { close(to: depth + 1) }
        guard levels.count == depth + 1, levels[depth].serial == serial, !isValueDue else {
            giveUp()
            return false
        }
        if levels[depth].count > 0 { put(0x2C) }
        levels[depth].count += 1
        isValueDue = true
        return true
    }

    /// How many items the array has that `serial` opened.
    func itemCount(_ serial: UInt64, depth: Int) -> Int {
        guard levels.count > depth, levels[depth].serial == serial else {
            giveUp()
            return 0
        }
        return levels[depth].count
    }

    /// Foundation's encoder keeps the last of two values of one name.
    private func noteName(_ range: Range<Int>) {
        let level = levels.count - 1
        let hash = range.count &* 31 &+ Int(buffer[range.lowerBound + 1]) &* 7 &+ Int(buffer[range.upperBound - 2])
        let bit = UInt64(1) << UInt64(hash & 63)
        if levels[level].nameHashes & bit != 0 {
            for other in names[levels[level].firstName...]
            where other.count == range.count
                && memcmp(buffer + other.lowerBound, buffer + range.lowerBound, range.count) == 0
            {
                giveUp()
            }
        }
        levels[level].nameHashes |= bit
        names.append(range)
        if levels[level].count > Self.maxNames { giveUp() }
    }
}
