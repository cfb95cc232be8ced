/**
 * The server's requirements of SMART App Launch 2.2.0, numbered as in HL7's own list of its testable requirements for that release (the
 * user-access brands, 395 to 437, are another guide and left out), each with the test that shows it; and those without one, with the reason.
 * `requirements.test.ts` prints the figure.
 */
export type Covered = { readonly file: string; readonly test: string; readonly shows: readonly number[] }

export const COVERED: readonly Covered[] = [
  { file: 'wrong-party.test.ts', test: 'without a challenge, or with a plain one, there is no code', shows: [14, 15] },
  {
    file: 'discovery.test.ts',
    test: 'smart-configuration is JSON for everybody, and every address in it answers',
    shows: [16, 30, 126, 228, 285, 286, 287, 346, 348, 349, 350, 351, 372, 373, 374, 376, 377, 378, 380, 384, 389, 393, 394],
  },
  { file: 'discovery.test.ts', test: 'pages of a registered app may call the token endpoint, pages of others may not', shows: [17] },
  { file: 'wrong-party.test.ts', test: 'an address that was not registered gets nothing, not even an error', shows: [18] },
  { file: 'discovery.test.ts', test: 'an app registers itself with the operator’s code, and is an app like others', shows: [19, 24, 316] },
  {
    file: 'wrong-party.test.ts',
    test: 'a stolen code is worth nothing without the verifier, to another app, or at another address',
    shows: [31, 57, 73],
  },
  {
    file: 'launch.test.ts',
    test: 'the person chooses a patient and the token is for that patient, the person and the role',
    shows: [48, 53, 74, 75, 76, 78, 84, 88, 91, 136, 149, 167, 170, 175, 353, 355, 360, 363, 367],
  },
  { file: 'launch.test.ts', test: 'an authorization request may come by POST', shows: [49, 354] },
  { file: 'launch.test.ts', test: 'a denial goes back to the app as an error, with its state', shows: [54, 56, 59] },
  { file: 'wrong-party.test.ts', test: 'a code is short-lived', shows: [58] },
  { file: 'wrong-party.test.ts', test: 'an access token ends by itself', shows: [77, 94, 265] },
  { file: 'launch.test.ts', test: 'the role narrows what the app gets, and the answer says so', shows: [79, 119, 145] },
  {
    file: 'launch.test.ts',
    test: 'the identity token names the person by a FHIR resource that can be read, signed by a published key',
    shows: [80, 197, 198, 200, 203, 205, 207, 209, 210, 358],
  },
  {
    file: 'launch.test.ts',
    test: 'offline access goes on without the person, online access only while they are logged in',
    shows: [81, 86, 87, 89, 100, 101, 109, 110, 111, 112, 113, 114, 118, 365, 366],
  },
  {
    file: 'launch.test.ts',
    test: 'what the EHR said of the launch comes with the token',
    shows: [83, 168, 169, 171, 172, 173, 174, 178, 179, 186, 189, 352, 359, 361, 362],
  },
  { file: 'wrong-party.test.ts', test: 'what is no access token opens nothing', shows: [85] },
  { file: 'launch.test.ts', test: 'a scope with search arguments lets through only what meets them', shows: [95, 144, 266, 370] },
  { file: 'wrong-party.test.ts', test: 'a token for another server is not asked for here', shows: [96] },
  {
    file: 'consent-ends.test.ts',
    test: 'introspection tells a resource server what the app was told',
    shows: [99, 269, 271, 273, 274, 275, 276, 277, 278, 279, 280],
  },
  {
    file: 'wrong-party.test.ts',
    test: 'another app’s refresh token is refused, and a replayed one ends the whole line',
    shows: [103, 116],
  },
  { file: 'launch.test.ts', test: 'a refresh may ask for less, never for more', shows: [104, 115] },
  {
    file: 'launch.test.ts',
    test: 'what was asked in version 1 forms is answered in them, and works as version 2 says',
    shows: [127, 128, 369],
  },
  { file: 'launch.test.ts', test: 'scopes that nobody can enforce, or that only services may have, are not given', shows: [129] },
  { file: 'launch.test.ts', test: 'user scopes alone name no patient', shows: [140, 368] },
  {
    file: 'wrong-party.test.ts',
    test: 'a service proves itself by its key and acts in its own name, for five minutes, without refresh',
    shows: [142, 247, 248, 253, 254, 255, 256, 257, 258, 260, 261, 262, 289, 297, 310, 326, 357],
  },
  { file: 'launch.test.ts', test: 'a patient scope without launch/patient puts a patient in context all the same', shows: [164, 165] },
  {
    file: 'launch.test.ts',
    test: 'only the organisation’s own systems open launches, and only for patients with a live consent',
    shows: [177, 188, 190],
  },
  {
    file: 'wrong-party.test.ts',
    test: 'a service gets no more than it was registered for, and nothing of people',
    shows: [240, 241, 250, 259, 344],
  },
  {
    file: 'wrong-party.test.ts',
    test: 'mixed-up keys, audiences, names and times are refused',
    shows: [249, 251, 305, 335, 337, 338, 340],
  },
  {
    file: 'consent-ends.test.ts',
    test: 'when the patient’s consent ends the token is refused with the next request, unknown to introspection, and not refreshed',
    shows: [272],
  },
  { file: 'consent-ends.test.ts', test: 'an app learns about its own tokens only, a stranger about none', shows: [281] },
  { file: 'consent-ends.test.ts', test: 'a resource server may show its own access token instead of its secret', shows: [282, 283] },
  {
    file: 'discovery.test.ts',
    test: 'OpenID’s own discovery says the same of what both speak about',
    shows: [288, 381, 382, 383, 385, 390, 391, 392, 438],
  },
  { file: 'wrong-party.test.ts', test: 'an assertion counts once, also when it comes many times at once', shows: [336] },
  {
    file: 'peers.test.ts',
    test: 'SMART’s own client for Node is launched from the EHR, reads patient, person and results, and refreshes',
    shows: [356],
  },
  {
    file: 'client-keys.test.ts',
    test: 'keys are had by GET from the address that was registered, and prove by ES384 and by RS384',
    shows: [296, 339],
  },
  { file: 'client-keys.test.ts', test: 'a set is kept as long as its server says and no longer', shows: [341, 342] },
  {
    file: 'launch.test.ts',
    test: 'further contexts are told as they were: several of one type and role, by reference, canonical or identifier',
    shows: [180, 181, 182, 183, 184, 185, 187, 192],
  },
  { file: 'launch.test.ts', test: 'the app is told which organisation launches it', shows: [176] },
  {
    file: 'launch.test.ts',
    test: 'a role or a context that is not known here is no hindrance: the patient is asked for all the same',
    shows: [159, 163],
  },
  { file: 'launch.test.ts', test: 'UserInfo tells who the person is, to a token that may know', shows: [214] },
  { file: 'launch.test.ts', test: 'an app that was not registered to refresh does not, whatever it asks for', shows: [102] },
  {
    file: '../../../../e2e/journeys/bulk.test.ts',
    test: 'are exported with those of their members whose consents live and serve; of the others it is said how many and why',
    shows: [245, 246],
  },
]

/** Requirement, whether it is a SHALL, and why no test of ours shows it. */
export const NOT_SHOWN: readonly (readonly [id: number, shall: boolean, why: string])[] = [
  [82, false, 'authorization_details is not offered'],
  [92, false, 'one lifetime for all'],
  [123, true, 'the FHIR server’s own tests'],
  [130, true, 'the FHIR server’s own tests'],
  [134, false, 'tokens are 43 characters'],
  [138, false, 'the FHIR server’s own tests'],
  [139, true, 'Patient.link is not followed'],
  [154, false, 'no further contexts'],
  [160, false, 'roles in launch scopes are not offered'],
  [194, true, 'between app and EHR'],
  [199, false, 'people of the organisation are Practitioners'],
  [204, false, 'absolute URLs'],
  [206, false, 'optional parameters of OpenID Connect'],
  [208, false, 'bare keys only'],
  [212, false, 'not offered'],
  [213, false, 'not offered'],
  [217, false, 'no scopes of our own'],
  [231, true, 'TLS of the server, tested there'],
  [243, false, 'the FHIR server’s own tests'],
  [244, false, 'the FHIR server’s own tests'],
  [252, false, 'descriptions are the library’s'],
  [306, false, 'the operator’s to say'],
  [311, false, 'no further algorithms'],
  [364, true, 'not listed'],
  [371, true, 'not listed'],
  [386, false, 'told, optional'],
  [387, false, 'no brands'],
  [388, false, 'no brands'],
  [439, false, 'no associated endpoints'],
]

/** Those that are SHALL or SHALL NOT, among the ones that a test shows. */
export const SHALL: ReadonlySet<number> = new Set([
  14, 15, 16, 17, 18, 24, 30, 31, 48, 49, 53, 54, 56, 57, 59, 73, 74, 75, 77, 78, 84, 85, 86, 87, 88, 89, 94, 95, 96, 100, 101, 103, 104,
  109, 110, 111, 112, 113, 114, 115, 119, 136, 140, 142, 144, 149, 164, 168, 169, 170, 171, 172, 173, 174, 175, 177, 178, 188, 197, 198,
  200, 205, 207, 209, 210, 228, 240, 241, 247, 249, 250, 251, 253, 254, 255, 256, 258, 259, 261, 265, 266, 271, 272, 273, 274, 275, 276,
  277, 278, 279, 282, 283, 285, 286, 287, 288, 289, 297, 305, 310, 316, 335, 336, 337, 338, 340, 344, 348, 349, 350, 351, 352, 353, 354,
  355, 356, 357, 358, 359, 360, 361, 362, 363, 365, 366, 367, 368, 369, 370, 372, 373, 374, 377, 378, 380, 381, 382, 383, 384, 385, 393,
  394, 176, 296, 339, 341, 342,
])
