import { parseLogFilter } from './log-filter.ts'
import { logsOf, searchLogs } from './log-search.ts'
import type { Methods, Node } from './node.ts'
import { invalid, refused } from './rpc-error.ts'
import { hex } from './rpc-format.ts'
import { blockNumber, hash, record } from './rpc-params.ts'

const head = (node: Node) => Number(node.archive.head().number)

function parse(node: Node, value: unknown) {
  const { fromBlock, toBlock, blockHash, address, topics } = record(value, 'filter')
  if (blockHash !== undefined && (fromBlock !== undefined || toBlock !== undefined)) {
    throw invalid('cannot specify both blockHash and fromBlock/toBlock, choose one or the other')
  }
  const filter = parseLogFilter(address, topics, node.limits.logAlternatives)
  const from = blockNumber(node, fromBlock, 'fromBlock')
  const open = toBlock === undefined || toBlock === null || toBlock === 'latest' || toBlock === 'pending'
  const to = open ? Number.MAX_SAFE_INTEGER - 1 : blockNumber(node, toBlock, 'toBlock')
  if (from > to) throw invalid('invalid block range params: fromBlock is after toBlock')
  return { filter, from, to, blockHash }
}

function polled(node: Node, id: unknown) {
  const filter = node.filters.poll(id)
  if (!filter) throw refused('filter not found')
  return filter
}

function subscribe(node: Node, kind: unknown, options: unknown): string {
  if (kind === 'newHeads' || kind === 'newPendingTransactions') return node.subscriptions.add({ kind })
  if (kind !== 'logs') throw invalid(`no "${String(kind)}" subscription; there are newHeads, logs and newPendingTransactions`)
  const { address, topics } = record(options ?? {}, 'filter')
  return node.subscriptions.add({ kind, filter: parseLogFilter(address, topics, node.limits.logAlternatives) })
}

async function changes(node: Node, id: unknown) {
  const filter = polled(node, id)
  if (filter.kind === 'transactions') return filter.hashes.splice(0)
  const [from, to] = [filter.next, head(node)]
  filter.next = to + 1
  if (filter.kind === 'logs') return searchLogs(node, filter.filter, Math.max(from, filter.from), Math.min(to, filter.to))
  return Array.from({ length: to - from + 1 }, (_, i) => hex(node.archive.hashOf(from + i)!))
}

/** Logs: asked for, polled for, or pushed. */
export const logMethods: Methods = {
  eth_getLogs: async (node, [value]) => {
    const { filter, from, to, blockHash } = parse(node, value)
    if (blockHash === undefined) return searchLogs(node, filter, from, to)
    const number = node.archive.numberOf(hash(blockHash, 'blockHash'))
    const mined = number === null ? null : node.archive.mined(number)
    if (!mined) throw refused('unknown block')
    return logsOf(mined, filter)
  },
  eth_newFilter: (node, [value]) => {
    const { filter, from, to } = parse(node, value)
    return node.filters.install({ kind: 'logs', filter, from, to, next: head(node) + 1, polled: node.clock() })
  },
  eth_newBlockFilter: node => node.filters.install({ kind: 'blocks', next: head(node) + 1, polled: node.clock() }),
  eth_newPendingTransactionFilter: node => node.filters.install({ kind: 'transactions', hashes: [], polled: node.clock() }),
  eth_getFilterChanges: (node, [id]) => changes(node, id),
  eth_getFilterLogs: (node, [id]) => {
    const filter = polled(node, id)
    if (filter.kind !== 'logs') throw refused('filter not found')
    return searchLogs(node, filter.filter, filter.from, filter.to)
  },
  eth_uninstallFilter: (node, [id]) => node.filters.remove(id),
  eth_subscribe: (node, [kind, options]) => subscribe(node, kind, options),
  eth_unsubscribe: (node, [id]) => node.subscriptions.remove(id),
}
