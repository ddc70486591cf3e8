/** One thing that is wrong with what the user wrote. */
export interface Problem {
  /** The configuration key, with the path inside its value: `services.hello.port`. */
  key: string;
  /** What is wrong and what to do, in one sentence without the key. Never holds a secret's value. */
  message: string;
}
