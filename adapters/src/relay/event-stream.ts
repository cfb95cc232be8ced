import { ensure } from '@keepwell/sdk/base/error'

export type ServerEvent = { readonly event: string; readonly data: string }

const MAX_LINE = 4096

/**
 * Events of a `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html), with `event` and `data` only: nothing
 * here is resumed, so ids and retry times have no meaning. Throws TOO_LARGE for a line or event over 4 KiB.
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let event = 'message'
  let data: string[] = []
  for await (const line of lines(chunks)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (line === '') {
      if (data.length) yield { event, data: data.join('\n') }
      event = 'message'
      data = []
    } else if (field === 'event') event = value
    else if (field === 'data') {
      data.push(value)
      ensure(data.length <= 64, 'TOO_LARGE', 'An event of the stream is too long.')
    }
  }
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const found = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = found.pop()!
    ensure(rest.length <= MAX_LINE && found.every(l => l.length <= MAX_LINE), 'TOO_LARGE', 'A line of the event stream is too long.')
    yield* found
  }
}
