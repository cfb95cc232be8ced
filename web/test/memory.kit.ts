import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'

const MEBI = 1 << 20

/** Memory that is in use by a process and shared with nobody, in MiB, as Linux counts it; 0 once it ended. */
function ownMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return (Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / MEBI
  } catch {
    return 0
  }
}

/**
 * Looks, several times a second, at the memory of all processes in which pages and workers run (buffers, WebAssembly and pictures are part
 * of it, which a page's own figures leave out). `end` gives the most by which it grew, in MiB. Linux only: elsewhere it gives 0.
 */
export async function watchMemory(browser: Browser): Promise<{ end(): number }> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const renderers = processInfo.filter(p => p.type === 'renderer').map(p => p.id)
  const look = (): number => renderers.reduce((sum, pid) => sum + ownMemory(pid), 0)
  const before = look()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, look())
  }, 100)
  return {
    end() {
      clearInterval(timer)
      return Math.round(Math.max(most, look()) - before)
    },
  }
}
