import { seeded } from './seeded.kit.ts'
import { native as web } from './web.ts'

export const native = seeded(web)
