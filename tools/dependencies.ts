/**
 * What may be installed (threat T34). A package of `sdk` is read by whoever audits the core, so the list is short and each line says
 * why it is there. An install script runs code on every machine that installs us, so those are named one by one.
 */
export const SDK_DEPENDENCIES: Readonly<Record<string, string>> = {
  '@medplum/core': 'FHIR R4 validation in Node and browsers',
  '@noble/curves': 'secp256k1 in browsers, and Ed25519/X25519 where one lacks them',
  '@noble/hashes': 'Keccak; SHA-2, SHA-3, HKDF, HMAC in browsers',
  '@noble/post-quantum': 'ML-KEM and ML-DSA where a platform lacks them',
  '@scure/bip39': 'recovery words',
  'age-encryption': 'take-out files that other tools open',
  canonicalize: 'JSON canonicalisation (RFC 8785)',
  'dicom-parser': 'DICOM headers',
  fflate: 'deflated DICOM transfer syntaxes',
  'hash-wasm': 'Argon2id in browsers',
  multiformats: 'base32 of CIDs',
  secp256k1: 'libsecp256k1 in Node',
  'shamir-secret-sharing': 'audited secret sharing',
}

export const INSTALL_SCRIPTS: Readonly<Record<string, string>> = {
  'classic-level': 'LevelDB binding; prebuilt for common platforms, works without its script',
  'core-js': 'prints a message; comes with SMART’s client, a test peer; development only',
  secp256k1: 'libsecp256k1; prebuilt for common platforms, noble does its work elsewhere',
  'core-js-pure': 'prints a message; comes with the image viewer',
  esbuild: 'checks its own binary; development only',
  fsevents: 'macOS file watching; development only',
}
