/** Code systems that are grammars: their codes are not listed anywhere, and are judged by their form. */
import { readUnit } from '#health/ucum'
import { LANGUAGES, MIME_TYPES, UCUM } from './systems.ts'

/** RFC 5646 in form, without looking each subtag up. */
const LANGUAGE =
  /^[a-z]{2,3}(-[A-Za-z]{3})?(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?(-[A-Za-z0-9]{4,8})*(-[a-wyz0-9](-[A-Za-z0-9]{2,8})+)*(-x(-[A-Za-z0-9]{1,8})+)?$/
const MIME = /^[a-z]+\/[\w!#$&^.+-]{1,127}(;\s*[\w-]+=("[^"]*"|[\w.-]+))*$/i

const GRAMMARS: Readonly<Record<string, (code: string) => boolean>> = {
  [UCUM]: code => readUnit(code) !== null,
  [LANGUAGES]: code => code.length <= 64 && LANGUAGE.test(code),
  [MIME_TYPES]: code => code.length <= 200 && MIME.test(code),
}

/** Tells whether a code is of the system's form; undefined for systems that list their codes. */
export const grammarOf = (system: string): ((code: string) => boolean) | undefined =>
  Object.hasOwn(GRAMMARS, system) ? GRAMMARS[system] : undefined
