import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { describe, expect } from 'vitest'
import { concat, fromHex, toHex } from '#base/bytes'
import { codeOf, externalText, natives, published, scripted, tally } from '#crypto/vectors.kit'

type Case = { tcId: number } & Record<string, string> & { testPassed?: boolean }
type Group = { tgId: number; parameterSet?: string; function?: string; tests: Case[] }
type Suite = { testGroups: Group[] }

/** Prompts joined with their expected results, for one parameter set and function. */
async function joined(name: string, prompt: Suite, keep: (g: Group) => boolean): Promise<Case[]> {
  const results = JSON.parse((await externalText(`vectors/acvp/${name}.expectedResults.json.gz`))!) as Suite
  return prompt.testGroups.filter(keep).flatMap(g => {
    const answers = new Map(results.testGroups.find(r => r.tgId === g.tgId)!.tests.map(t => [t.tcId, t]))
    return g.tests.map(t => ({ ...t, ...answers.get(t.tcId)! }) as Case)
  })
}

const low = (hex: string): string => hex.toLowerCase()
const is768 = (f?: string) => (g: Group) => g.parameterSet === 'ML-KEM-768' && g.function === f

/** CCTV's text files: one `name = hex` a line. */
const fields = (file: string): Record<string, string> =>
  Object.fromEntries([...file.matchAll(/^(\w+) = ([0-9a-f]+)$/gm)].map(m => [m[1]!, m[2]!]))

describe.each(natives)('ACVP and CCTV on $name', native => {
  const exact = native.name === 'noble'
  const fails = async (run: () => unknown): Promise<boolean> => (await codeOf(run)) !== 'no error'

  published<Suite>('vectors/acvp/ML-KEM-keyGen-FIPS203.prompt.json.gz', 'ML-KEM-768 keys are those of FIPS 203', async prompt => {
    const t = tally('acvp ML-KEM-768 keyGen', native.name)
    for (const c of await joined('ML-KEM-keyGen-FIPS203', prompt, is768())) {
      expect(toHex(await native.mlKemPublic(fromHex(c.d! + c.z!)))).toBe(low(c.ek!))
      t.add('valid')
    }
    t.print()
    expect(t.count('valid')).toBe(25)
  })

  published<Suite>(
    'vectors/acvp/ML-KEM-encapDecap-FIPS203.prompt.json.gz',
    'ML-KEM-768 encapsulation is that of FIPS 203',
    async prompt => {
      const t = tally('acvp ML-KEM-768 encapDecap', native.name)
      for (const c of await joined('ML-KEM-encapDecap-FIPS203', prompt, is768('encapsulation'))) {
        const { ciphertext, shared } = await native.mlKemEncaps(fromHex(c.ek!), scripted(c.m!))
        if (exact) expect(toHex(concat(ciphertext, shared))).toBe(low(c.c! + c.k!))
        t.add(exact ? 'encapsulations' : 'encapsulations (key accepted; the platform draws its own coins)')
      }
      for (const c of await joined('ML-KEM-encapDecap-FIPS203', prompt, is768('encapsulationKeyCheck'))) {
        expect(await fails(() => native.mlKemEncaps(fromHex(c.ek!), scripted('00'.repeat(32)))), `tcId ${c.tcId}`).toBe(!c.testPassed)
        t.add(c.testPassed ? 'keys accepted' : 'keys refused')
      }
      for (const c of await joined('ML-KEM-encapDecap-FIPS203', prompt, is768('decapsulation'))) {
        if (exact) expect(toHex(ml_kem768.decapsulate(fromHex(c.c!), fromHex(c.dk!)))).toBe(low(c.k!))
        t.add(exact ? 'decapsulations (by the library: kw1 takes seeds)' : 'not run (expanded decapsulation keys: kw1 takes seeds only)')
      }
      t.print()
      expect([t.count('keys accepted') > 0, t.count('keys refused') > 0]).toEqual([true, true])
    },
  )

  published<Suite>('vectors/acvp/ML-DSA-65-keyGen-FIPS204.prompt.json.gz', 'ML-DSA-65 keys are those of FIPS 204', async prompt => {
    const t = tally('acvp ML-DSA-65 keyGen', native.name)
    for (const c of await joined('ML-DSA-65-keyGen-FIPS204', prompt, () => true)) {
      expect(toHex((await native.mlDsaSigner(fromHex(c.seed!))).public)).toBe(low(c.pk!))
      t.add('valid')
    }
    t.print()
    expect(t.count('valid')).toBe(25)
  })

  published<Suite>(
    'vectors/acvp/ML-DSA-65-sigVer-FIPS204.pure.prompt.json.gz',
    'a signature under any context does not verify under none',
    async prompt => {
      const t = tally('acvp ML-DSA-65 sigVer', native.name)
      for (const c of await joined('ML-DSA-65-sigVer-FIPS204.pure', prompt, () => true)) {
        const [key, message, signature] = [fromHex(c.pk!), fromHex(c.message!), fromHex(c.signature!)]
        const ok = await (await native.mlDsaVerifier(key))(message, signature)
        expect(ok, `tcId ${c.tcId}`).toBe(c.testPassed === true && c.context === '')
        if (exact) expect(ml_dsa65.verify(signature, message, key, { context: fromHex(c.context!) })).toBe(c.testPassed)
        t.add(c.context === '' ? 'under the empty context' : 'refused (kw1 signs under the empty context only)')
      }
      t.print()
    },
  )

  // Their keys come from the draft of FIPS 203 (no parameter byte in the hash of d), so seeds do not give them; the rest is as in the standard.
  for (const name of ['unluckysample', 'intermediate'])
    published<string>(`vectors/cctv-mlkem/${name}-ML-KEM-768.txt`, 'ML-KEM-768 reaches the worked answer', async file => {
      const v = fields(file)
      const { ciphertext, shared } = await native.mlKemEncaps(fromHex(v.ek!), scripted(v.m!))
      expect([ciphertext.length, shared.length]).toEqual([1088, 32])
      if (exact) expect([toHex(ciphertext), toHex(shared)]).toEqual([v.c, v.K])
      if (exact) expect(toHex(ml_kem768.decapsulate(fromHex(v.c!), fromHex(v.dk!)))).toBe(v.K)
    })

  published<string>(
    'vectors/cctv-mlkem/modulus-ML-KEM-768.txt.gz',
    'every public key with a coefficient above the modulus is refused',
    async file => {
      const keys = file.trim().split('\n')
      const accepted: number[] = []
      for (const [i, key] of keys.entries())
        if (!(await fails(() => native.mlKemEncaps(fromHex(key), scripted('00'.repeat(32)))))) accepted.push(i)
      console.info(`cctv modulus [${native.name}] ${keys.length}: ${keys.length - accepted.length} refused`)
      expect(accepted).toEqual([])
      expect(keys.length).toBe(780)
    },
  )

  if (exact)
    published<string>(
      'vectors/cctv-mlkem/strcmp-ML-KEM-768.txt',
      'ciphertexts are compared to the end (by the library: kw1 takes seeds)',
      async file => {
        const v = fields(file)
        expect(toHex(ml_kem768.decapsulate(fromHex(v.c!), fromHex(v.dk!)))).toBe(v.K)
      },
    )
})
