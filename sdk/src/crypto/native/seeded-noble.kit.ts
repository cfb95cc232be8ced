import { native as noble } from './noble.ts'
import { seeded } from './seeded.kit.ts'

export const native = seeded(noble)
