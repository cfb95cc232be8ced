import { expect, test } from 'vitest'
import { concat, utf8 } from '#base/bytes'
import { LIMITS, parseMessage, splitMessages } from './message.ts'
import { decodeEscapes, readMessage } from './read.ts'

const MSH = String.raw`MSH|^~\&|APP|FAC|KW|KW|20260102030405+0100||ADT^A01^ADT_A01|1|P|2.5.1`
const message = (...segments: string[]): Uint8Array => utf8([MSH, ...segments].join('\r'))
const latin = (s: string): Uint8Array => Uint8Array.from(s, c => c.charCodeAt(0))
/** A message of one name, in the character set that MSH-18 calls so. */
const inSet = (set: string, name: Uint8Array): Uint8Array => concat(latin(`${MSH}||||||${set}\rPID|1||1||`), name)
const nameIn = (bytes: Uint8Array): string | undefined => readMessage(parseMessage(bytes)).row('PID')?.text(5)

test('segments end in CR, LF or both, with a byte order mark and MLLP frame or without', () => {
  for (const end of ['\r', '\n', '\r\n'])
    for (const front of ['', '\uFEFF', '\x0b']) {
      const read = parseMessage(utf8(`${front}${MSH}${end}PID|1||7^^^A^MR${end}ZZZ|kept${end}${front === '\x0b' ? '\x1c\r' : ''}`))
      expect(read.segments.map(s => s.name)).toEqual(['MSH', 'PID', 'ZZZ'])
      expect(read).toMatchObject({
        type: { code: 'ADT', trigger: 'A01', structure: 'ADT_A01' },
        version: '2.5.1',
        controlId: '1',
        faults: [],
      })
    }
})

test('escapes of chapter 2.7 become what they stand for, once, and a site’s own stay as they are', () => {
  const read = parseMessage(message())
  const decoded = (s: string): string => decodeEscapes(s, read)
  expect(decoded(String.raw`a\F\b\S\c\T\d\R\e\E\f`)).toBe(String.raw`a|b^c&d~e\f`)
  expect(decoded(String.raw`one\.br\two\H\bold\N\ \X4F4B\ `)).toBe('one\ntwobold OK ')
  expect(decoded(String.raw`\Z1\ stays, \ alone, \E\F\E\ `)).toBe(String.raw`\Z1\ stays, \ alone, \F\ `)
})

test('a field is read by repetition, component and subcomponent; absent and null differ', () => {
  const read = readMessage(parseMessage(message('PID|1|""|7^^^A&1.2.3&ISO^MR~8^^^B||Doe&van^Jane')))
  const pid = read.row('PID')!
  expect(pid.reps(3).map(r => [r.text(1), r.text(4), r.text(4, 2), r.part(4).text(3), r.text(5)])).toEqual([
    ['7', 'A', '1.2.3', 'ISO', 'MR'],
    ['8', 'B', undefined, undefined, undefined],
  ])
  expect([pid.text(5), pid.text(5, 1, 2), pid.text(5, 2)]).toEqual(['Doe', 'van', 'Jane'])
  expect([pid.text(2), pid.reps(2)[0]?.isNull, pid.text(4), pid.reps(4)]).toEqual([undefined, true, undefined, []])
  expect(read.nulls()).toEqual(['PID-2'])
})

test('fields that nobody read are named, Z-segments among them', () => {
  const read = readMessage(parseMessage(message('PID|1||7', 'ZPI|a|b', 'PV1||I')))
  read.row('PID')?.text(3)
  read.row('PV1')?.text(2)
  expect(read.unread().filter(n => !n.startsWith('MSH'))).toEqual(['PID-1', 'ZPI-1', 'ZPI-2'])
})

test('MSH-18 names the character set: Latin, Cyrillic, Greek, UTF-8, Japanese, Korean, Chinese', () => {
  expect(nameIn(inSet('8859/1', latin('M\xfcller')))).toBe('Müller')
  expect(nameIn(inSet('8859/2', latin('\xa3ukasz')))).toBe('Łukasz')
  expect(nameIn(inSet('8859/5', Uint8Array.of(0xb8, 0xd2, 0xd0, 0xdd)))).toBe('Иван')
  expect(nameIn(inSet('8859/7', Uint8Array.of(0xc6, 0xf9, 0xde)))).toBe('Ζωή')
  expect(nameIn(inSet('UNICODE UTF-8', utf8('Zoë 😀')))).toBe('Zoë 😀')
  // 山田 in JIS X 0208; the second byte of many such characters is one of HL7's separators.
  expect(nameIn(inSet('ISO IR87', latin('\x1b$B;3ED\x1b(B')))).toBe('山田')
  expect(nameIn(inSet('ISO IR87', latin(String.raw`\C2442\;3ED\C2842\ `)))).toBe('山田')
  expect(nameIn(inSet('~ISO IR87', latin('\x1b$B;3ED\x1b(B')))).toBe('山田')
  expect(nameIn(inSet('KS X 1001', Uint8Array.of(0xb1, 0xe8)))).toBe('김')
  expect(nameIn(inSet('GB 18030-2000', Uint8Array.of(0xcd, 0xf5)))).toBe('王')
  expect(nameIn(inSet('8859/1', latin(String.raw`M\XFC\ller`)))).toBe('Müller')
})

test('undeclared text is UTF-8 when it can be, else Latin-1; a wrong declaration is a fault, not a loss', () => {
  expect(nameIn(inSet('', utf8('Zoë')))).toBe('Zoë')
  expect(nameIn(inSet('', latin('Zo\xeb')))).toBe('Zoë')
  const wrong = parseMessage(inSet('UNICODE UTF-8', latin('Zo\xeb')))
  expect(wrong.faults).toMatchObject([{ place: 'MSH-18' }])
  expect(readMessage(wrong).row('PID')?.text(5)).toBe('Zoë')
  expect(parseMessage(inSet('KLINGON', utf8('Q'))).faults).toMatchObject([{ place: 'MSH-18' }])
  const wide = concat(
    Uint8Array.of(0xff, 0xfe),
    new Uint8Array(new Uint16Array([...`${MSH}\rPID|1||1||Zoë`].map(c => c.charCodeAt(0))).buffer),
  )
  expect(nameIn(wide)).toBe('Zoë')
})

test('a line break inside a text is kept with its segment and said', () => {
  const read = parseMessage(message('OBX|1|TX|1||first', 'and second||||||F'))
  expect(read.segments.map(s => s.name)).toEqual(['MSH', 'OBX'])
  expect(read.segments[1]!.fields[5]).toBe('first\nand second')
  expect(read.faults).toMatchObject([{ place: 'OBX' }])
})

test('what is no message, or beyond the limits, is refused with a code', () => {
  const code = (bytes: Uint8Array): unknown => {
    try {
      return parseMessage(bytes).controlId
    } catch (e) {
      return (e as { code?: unknown }).code
    }
  }
  expect(code(utf8('hello'))).toBe('UNREADABLE')
  expect(code(utf8('MSH|||||'))).toBe('1'.slice(1))
  expect(code(utf8('MSH|^^~&|a'))).toBe('UNREADABLE')
  expect(code(utf8('MSHAbcde'))).toBe('UNREADABLE')
  expect(code(new Uint8Array(0))).toBe('UNREADABLE')
  expect(code(message(...Array.from({ length: LIMITS.segments }, () => 'NTE|1')))).toBe('TOO_LARGE')
  expect(code(message(`PID${'|'.repeat(LIMITS.fields + 1)}`))).toBe('TOO_LARGE')
  expect(code(new Uint8Array(LIMITS.bytes + 1))).toBe('TOO_LARGE')
})

test('a file of several messages, with batch headers or without, is split into each', () => {
  const one = `${MSH}\rPID|1||1\r`
  expect(splitMessages(utf8(one + one)).length).toBe(2)
  const batch = splitMessages(utf8(`FHS|^~\\&|A\rBHS|^~\\&|A\r${one}${one}BTS|2\rFTS|1\r`))
  expect(
    batch.map(b =>
      parseMessage(b)
        .segments.map(s => s.name)
        .join(),
    ),
  ).toEqual(['MSH,PID', 'MSH,PID'])
  expect(() => splitMessages(utf8('PID|1'))).toThrow('no MSH')
})
