export type SmartLimits = {
  /** Of an access token. */
  readonly accessSeconds: number
  /** Of a refresh token, and of anything else that an app keeps. */
  readonly refreshSeconds: number
  /** Of what an app was given, however often it is used: then a person allows it anew. */
  readonly appSeconds: number
  /** Of a login, whatever happens. */
  readonly sessionSeconds: number
  /** Of a login that is not used. */
  readonly idleSeconds: number
}

export const SMART_LIMITS: SmartLimits = {
  accessSeconds: 900,
  // Three months, whichever they are.
  refreshSeconds: 93 * 24 * 3600,
  appSeconds: 366 * 24 * 3600,
  sessionSeconds: 10 * 3600,
  idleSeconds: 30 * 60,
}
