import { writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const WIDTH = 640
const HEIGHT = 480

/** What a camera before this page's QR code would see, as a file that Chromium takes for one (`--use-file-for-fake-video-capture`). */
export async function filmOf(page: Page, path: string): Promise<void> {
  const code = page.locator('svg.kw-qr')
  const size = Number((await code.getAttribute('viewBox'))!.split(' ')[2])
  const squares = (await code.locator('path').getAttribute('d'))!.matchAll(/M(\d+) (\d+)h1v1h-1z/g)
  const scale = Math.floor((HEIGHT - 20) / size)
  const left = Math.floor((WIDTH - size * scale) / 2)
  const top = Math.floor((HEIGHT - size * scale) / 2)
  const light = new Uint8Array(WIDTH * HEIGHT).fill(235)
  for (const [, x, y] of squares)
    for (let row = 0; row < scale; row++) {
      const at = (top + Number(y) * scale + row) * WIDTH + left + Number(x) * scale
      light.fill(16, at, at + scale)
    }
  const grey = new Uint8Array((WIDTH * HEIGHT) / 2).fill(128)
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F5:1 Ip A1:1 C420jpeg\n`)
  const frame = Buffer.concat([Buffer.from('FRAME\n'), light, grey])
  writeFileSync(path, Buffer.concat([head, ...Array.from({ length: 10 }, () => frame)]))
}
