/** Where another organisation's authorization server is asked; as it says of itself. */
export type AuthServer = {
  /** Its own name, when it has one: then answers of another are refused (RFC 9207). */
  readonly issuer: string | null
  readonly authorize: string
  readonly token: string
  readonly register: string | null
  readonly revoke: string | null
}

export type Tokens = {
  readonly access: string
  /** Seconds; null: not said. */
  readonly lasts: number | null
  readonly refresh: string | null
  /** What was granted; null: what was asked for. */
  readonly scope: string | null
  /** The patient of the launch (SMART App Launch 2.2, launch context). */
  readonly patient: string | null
}

export type Login = {
  readonly client: string
  readonly redirect: string
  readonly state: string
  /** Of PKCE (RFC 7636). */
  readonly verifier: string
}

export type Registration = {
  readonly name: string
  readonly redirect: string
  readonly scope: string /** An initial access token. */
  readonly code?: string
}

/**
 * OAuth 2.0 servers of others, seen as a public client on a person's own device (RFC 8252): the code flow with PKCE and nothing else.
 *
 * - Whatever they refuse is DENIED, with their error code and never their text; PEER_FAILED when they do not answer or make no sense.
 * - `finish` takes the address at which the login ended. A wrong `state`, or another server's answer, is DENIED.
 */
export interface Authorizer {
  register(server: AuthServer, app: Registration): Promise<string>
  finish(server: AuthServer, login: Login, returned: string): Promise<Tokens>
  refresh(server: AuthServer, client: string, token: string): Promise<Tokens>
  revoke(server: AuthServer, client: string, token: string): Promise<void>
}
