/** Asks after a pause, and tells the answer to the last question only. */
export interface Latest<Q> {
  /** Asks once nothing else has been asked for the time of the pause. */
  ask(question: Q): void
  /** Forgets what was asked. */
  stop(): void
}

/** What happens with a question. `settled` is told when nothing is on its way any more. */
export interface Listener<Q, A> {
  answer(answer: A, question: Q): void
  failure(reason: unknown): void
  waiting(waits: boolean): void
}

/**
 * Debounces `ask` by `pause` milliseconds. A question that comes while another is under way aborts it; an answer that
 * comes late all the same is dropped.
 */
export function latest<Q, A>(
  ask: (question: Q, signal: AbortSignal) => Promise<A>,
  listener: Listener<Q, A>,
  pause: number,
): Latest<Q> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | undefined

  const drop = () => {
    clearTimeout(timer)
    running?.abort()
    running = undefined
  }

  const run = async (question: Q) => {
    const mine = new AbortController()
    running = mine
    const isLast = () => running === mine
    try {
      const answer = await ask(question, mine.signal)
      if (isLast()) listener.answer(answer, question)
    } catch (reason) {
      if (isLast()) listener.failure(reason)
    } finally {
      if (isLast()) {
        running = undefined
        listener.waiting(false)
      }
    }
  }

  return {
    ask(question) {
      drop()
      listener.waiting(true)
      timer = setTimeout(() => void run(question), pause)
    },
    stop() {
      drop()
      listener.waiting(false)
    },
  }
}
