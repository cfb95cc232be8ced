export type SmartLimits = {
  /** Of an access token. */
  readonly accessSeconds: number
  /** Of a refresh token, and of anything else that an app keeps. */
  readonly refreshSeconds: number
  /** Of a login, whatever happens. */
  readonly sessionSeconds: number
  /** Of a login that is not used. */
  readonly idleSeconds: number
}

export const SMART_LIMITS: SmartLimits = {
  accessSeconds: 900,
  // Three months, whichever they are.
  refreshSeconds: 93 * 24 * 3600,
  sessionSeconds: 10 * 3600,
  idleSeconds: 30 * 60,
}
