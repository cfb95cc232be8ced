import { writeFileSync } from 'node:fs'
import { type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { findChromium } from '../../tools/chromium.ts'
import { type Heard, openPage, PATIENCE, PHONE, type Stage } from './journey.kit.ts'

const WIDTH = 960
const HEIGHT = 720
/** Five pictures a second: each code is before the camera for a second and a half. */
const RATE = 5
const EACH = 8

/** The dark squares of a code, and how many it has across. */
type Code = { readonly size: number; readonly dark: readonly (readonly [x: number, y: number])[] }

function frameOf({ size, dark }: Code): Buffer {
  const scale = Math.floor((HEIGHT - 20) / size)
  const left = Math.floor((WIDTH - size * scale) / 2)
  const top = Math.floor((HEIGHT - size * scale) / 2)
  const light = new Uint8Array(WIDTH * HEIGHT).fill(235)
  for (const [x, y] of dark)
    for (let row = 0; row < scale; row++) {
      const at = (top + y * scale + row) * WIDTH + left + x * scale
      light.fill(16, at, at + scale)
    }
  const grey = new Uint8Array((WIDTH * HEIGHT) / 2).fill(128)
  return Buffer.concat([Buffer.from('FRAME\n'), light, grey])
}

/** What a camera sees of these codes, one after the other and again, as a file that Chromium takes for one. */
function film(path: string, codes: readonly Code[]): void {
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`)
  writeFileSync(path, Buffer.concat([head, ...codes.flatMap(code => Array.from({ length: EACH }, () => frameOf(code)))]))
}

/** A camera before this page's QR codes, in turn. */
export async function filmOf(page: Page, path: string): Promise<void> {
  const shown = page.locator('svg.kw-qr')
  await shown.first().waitFor()
  film(path, await Promise.all((await shown.all()).map(codeOf)))
}

async function codeOf(code: Locator): Promise<Code> {
  const size = Number((await code.getAttribute('viewBox'))!.split(' ')[2])
  const squares = (await code.locator('path').getAttribute('d'))!.matchAll(/M(\d+) (\d+)h1v1h-1z/g)
  return { size, dark: [...squares].map(([, x, y]) => [Number(x), Number(y)] as const) }
}

/** A phone whose camera sees a film; `close` ends its browser. */
export async function cameraPhone(
  stage: Stage,
  path: string,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly heard: Heard; close(): Promise<void> }> {
  const browser = await chromium.launch({
    executablePath: findChromium()!,
    args: [
      ...stage.args,
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${path}`,
    ],
  })
  const context = await browser.newContext({
    viewport: PHONE,
    locale: 'en-GB',
    reducedMotion: 'reduce',
    permissions: ['camera'],
    ...options,
  })
  context.setDefaultTimeout(PATIENCE)
  return { ...(await openPage(context, stage.url)), close: () => browser.close() }
}
