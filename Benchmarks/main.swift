import AfterCommit
import Foundation
import Logging

let rates = try await MemoryRates.measure()
for rate in rates { print(rate) }
