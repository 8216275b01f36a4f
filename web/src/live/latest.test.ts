import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { latest } from './latest'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function world() {
  const open = new Map<
    string,
    { resolve: (answer: string) => void; reject: (reason: unknown) => void; signal: AbortSignal }
  >()
  const told: string[] = []
  const asked: string[] = []
  const questions = latest<string, string>(
    (question, signal) =>
      new Promise((resolve, reject) => {
        asked.push(question)
        open.set(question, { resolve, reject, signal })
      }),
    {
      answer: (answer) => told.push(answer),
      failure: (reason) => told.push(`failed: ${String(reason)}`),
      waiting: (waits) => told.push(waits ? 'waits' : 'settled'),
    },
    100,
  )
  return { open, told, asked, questions }
}

it('asks once for what is typed within the pause', async () => {
  const { asked, questions } = world()
  questions.ask('a')
  await vi.advanceTimersByTimeAsync(99)
  questions.ask('ab')
  await vi.advanceTimersByTimeAsync(100)
  expect(asked).toEqual(['ab'])
})

it('tells the last answer, though an older one comes later', async () => {
  const { open, told, questions } = world()
  questions.ask('old')
  await vi.advanceTimersByTimeAsync(100)
  questions.ask('new')
  await vi.advanceTimersByTimeAsync(100)
  expect(open.get('old')!.signal.aborted).toBe(true)
  open.get('new')!.resolve('NEW')
  open.get('old')!.resolve('OLD')
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toEqual(['waits', 'waits', 'NEW', 'settled'])
})

it('tells a failure of the last question only', async () => {
  const { open, told, questions } = world()
  questions.ask('a')
  await vi.advanceTimersByTimeAsync(100)
  questions.ask('b')
  open.get('a')!.reject('aborted')
  await vi.advanceTimersByTimeAsync(100)
  open.get('b')!.reject('no server')
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toEqual(['waits', 'waits', 'failed: no server', 'settled'])
})

it('forgets when it is stopped', async () => {
  const { asked, told, questions } = world()
  questions.ask('a')
  questions.stop()
  await vi.advanceTimersByTimeAsync(200)
  expect(asked).toEqual([])
  expect(told).toEqual(['waits', 'settled'])
})
