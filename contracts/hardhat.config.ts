import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { defineConfig } from 'hardhat/config'

/** Shared with tools/gen-abi.ts, so that what is tested is what is deployed. */
const { version, settings } = JSON.parse(readFileSync(new URL('./solc.json', import.meta.url), 'utf8'))

/** npm's compiler, so that nothing is downloaded; every profile needs it. */
const solc = { version, settings, path: createRequire(import.meta.url).resolve('solc/soljson.js') }

/** KEEPWELL_FUZZ=10 runs ten times as many cases. */
const effort = Number(process.env.KEEPWELL_FUZZ ?? 1)

export default defineConfig({
  paths: { sources: './src', tests: { solidity: './test' } },
  solidity: { profiles: { default: solc, production: solc } },
  networks: { default: { type: 'edr-simulated', chainType: 'l1', hardfork: 'osaka' } },
  test: {
    solidity: {
      fuzz: { runs: 256 * effort, seed: '0x6b656570776562' },
      invariant: { runs: 32 * effort, depth: 64, failOnRevert: true },
    },
  },
})
