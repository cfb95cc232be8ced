import { type Brand, readBrands } from '@keepwell/sdk/health/smart/brands'
import type { BrandView } from '#rpc/hospitals.ts'
import { fold, queryWords } from './fold.ts'
import { piecesOf } from './save.ts'

const MOST_SHOWN = 20

/** The list that was read last, with what a search looks in; it says nothing about the person, and goes with the worker. */
let known: readonly { readonly brand: Brand; readonly said: string }[] = []

/** Reads a list of hospitals; gives how many it has. Throws BAD_INPUT, TOO_LARGE. */
export async function loadBrands(file: Blob): Promise<number> {
  const brands = await readBrands(piecesOf(file))
  known = brands.map(brand => ({ brand, said: fold([brand.name, ...brand.aliases, ...brand.places].join(' ')) }))
  return known.length
}

/** Those that have every word in their names and places, and how many there are. */
export function findBrands(query: string): { readonly count: number; readonly shown: readonly BrandView[] } {
  const words = queryWords(query)
  const found = words.length ? known.filter(k => words.every(w => k.said.includes(w))) : []
  const shown = found.flatMap(({ brand: { name, places, servers } }) =>
    servers.map(s => ({ name, place: places[0] ?? '', server: servers.length > 1 ? s.name : '', base: s.base })),
  )
  return { count: shown.length, shown: shown.slice(0, MOST_SHOWN) }
}
