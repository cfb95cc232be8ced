import solc from 'solc'
import { type Abi, type Address, createPublicClient, createWalletClient, custom, defineChain, type Hex, keccak256, toHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { EmbeddedChain } from './chain.ts'

export type Compiled = { readonly abi: Abi; readonly bytecode: Hex }

/** Compiles one Solidity contract as Keepwell's own are (Cancun, optimised). For tests and benchmarks. */
export function compile(name: string, source: string): Compiled {
  const input = {
    language: 'Solidity',
    sources: { 'a.sol': { content: `// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.24;\n${source}` } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input)))
  const contract = output.contracts?.['a.sol']?.[name]
  if (!contract) throw new Error(JSON.stringify(output.errors))
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}

/** Does a little of everything that the ledger has to get right. */
const PROBE = `
contract Fleeting { uint256 public kept = 7; function go() external { selfdestruct(payable(msg.sender)); } }
contract Probe {
  event Kept(address indexed who, bytes32 indexed what, uint256 indexed n, uint256 value);
  event Plain(uint256 value);
  error Refused(uint256 code, string why);
  mapping(bytes32 => uint256) public values;
  uint256 public count;
  function keep(bytes32 what, uint256 value) external { values[what] = value; emit Kept(msg.sender, what, ++count, value); }
  function forget(bytes32 what) external { delete values[what]; emit Plain(0); }
  function many(uint256 from, uint256 to) external { for (uint256 i = from; i < to; i++) { values[bytes32(i)] = i + 1; emit Plain(i); } }
  function refuse(uint256 code) external { count++; revert Refused(code, "not today"); }
  function text() external pure { require(false, "plain reason"); }
  function panic(uint256 x) external pure returns (uint256) { return 1 / x; }
  function spin() external view { uint256 x; while (gasleft() > 0) { x++; } }
  function precompile(address at, bytes calldata input) external view returns (bytes memory out) { (, out) = at.staticcall(input); }
  function hashOf(uint256 n) external view returns (bytes32) { return blockhash(n); }
  function moment() external view returns (uint256, uint256, uint256) { return (block.number, block.timestamp, block.chainid); }
  function fleeting(bytes32 salt) external returns (uint256 kept) { Fleeting f = new Fleeting{salt: salt}(); kept = f.kept(); f.go(); }
  function lasting(bytes32 salt) external returns (address at) { at = address(new Fleeting{salt: salt}()); emit Plain(uint160(at)); }
  function end(address at) external { Fleeting(at).go(); }
  function transient() external returns (uint256 was) { assembly { was := tload(1) tstore(1, 42) } emit Plain(was); }
  function nested(bytes32 what) external {
    this.keep(what, 1);
    try this.refuse(1) { } catch { }
    this.keep(what, 0);
  }
}`

let probe: Compiled | undefined
export const probeContract = (): Compiled => (probe ??= compile('Probe', PROBE))

/** The `i`-th test account; no account needs funds. */
export const accountOf = (i: number): PrivateKeyAccount => privateKeyToAccount(keccak256(toHex(`account ${i}`)))

/** viem over the chain, as an application would use it. */
export function clientsOf(chain: EmbeddedChain, account: PrivateKeyAccount = accountOf(0)) {
  const definition = defineChain({
    id: chain.chainId,
    name: 'embedded',
    nativeCurrency: { name: 'None', symbol: 'NONE', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  })
  const options = { chain: definition, transport: custom(chain as never, { retryCount: 0 }), pollingInterval: 20, cacheTime: 0 }
  return { wallet: createWalletClient({ ...options, account }), reader: createPublicClient(options), account }
}

export async function deploy(chain: EmbeddedChain, { abi, bytecode }: Compiled, account = accountOf(0)): Promise<Address> {
  const { wallet, reader } = clientsOf(chain, account)
  const hash = await wallet.deployContract({ abi, bytecode })
  const { contractAddress } = await reader.getTransactionReceipt({ hash })
  return contractAddress!
}

/** A clock that stands still until told otherwise. */
export function handClock(start = 1_800_000_000) {
  const clock = Object.assign(() => clock.now, { now: start })
  return clock
}
