import { expect, test } from 'vitest'
import { type MapAsk, openMapper } from './mapper.ts'

test('of messages mapped together, one that ends the thread costs itself and no other', async () => {
  const mapper = openMapper(new URL('./mapper.kit.ts', import.meta.url))
  const ask = (patient: string): MapAsk => ({ bytes: new Uint8Array(0), patient, received: '', original: {} })
  const replies = await mapper.map(['a', 'b', 'poison', 'c'].map(ask))
  expect(replies.map(r => ('reason' in r ? r.reason : r.merged[0]))).toEqual(['a', 'b', 'UNREADABLE', 'c'])
  await mapper.close()
})
