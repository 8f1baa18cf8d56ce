import { type FormEvent, useEffect, useState } from "react";
import { call, type Provider, type User } from "../../session";
import { useAuth } from "./useAuth";

/** The page: login buttons, or who is logged in and their notes. */
export function App() {
  const { user, trouble, login, logout } = useAuth();
  return (
    <main>
      <h1>Notes</h1>
      {trouble && (
        <p id="trouble" role="alert">
          {trouble}
        </p>
      )}
      {user === null && <Logins login={login} />}
      {user && (
        <>
          <Who user={user} logout={logout} />
          <Notes key={user.user_id} />
        </>
      )}
    </main>
  );
}

function Logins({ login }: { login: (provider: string) => void }) {
  const [providers, trouble] = useAnswer<Provider[]>("/api/providers");
  return (
    <section id="signed-out">
      <p>You are not logged in.</p>
      {trouble && <p role="alert">{trouble}</p>}
      {providers?.map(({ name, display_name }) => (
        <button key={name} id={`login-${name}`} onClick={() => login(name)}>
          Log in with {display_name}
        </button>
      ))}
    </section>
  );
}

function Who({ user, logout }: { user: User; logout: () => void }) {
  return (
    <section id="signed-in">
      <p>
        <b id="user-name">{user.name ?? user.user_id}</b>
        <span id="user-email">{user.email}</span>
        <small>by way of {user.provider}</small>
      </p>
      <button id="logout" onClick={logout}>
        Log out
      </button>
    </section>
  );
}

function Notes() {
  const [kept, keptTrouble] = useAnswer<{ text: string }[]>("/api/notes");
  const [added, setAdded] = useState<{ text: string }[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);

  async function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    try {
      const note = await call<{ text: string }>("/api/notes", "POST", { text: new FormData(form).get("text") });
      setAdded([...added, note]);
      setTrouble(null);
      form.reset();
    } catch (error) {
      setTrouble((error as Error).message);
    }
  }

  return (
    <section>
      <ul id="notes">
        {[...(kept ?? []), ...added].map((note, at) => (
          <li key={at}>{note.text}</li>
        ))}
      </ul>
      <form onSubmit={add}>
        <input name="text" aria-label="A new note" required maxLength={200} placeholder="A new note" />
        <button id="add">Keep it</button>
      </form>
      {(trouble ?? keptTrouble) && (
        <p id="note-trouble" role="alert">
          {trouble ?? keptTrouble}
        </p>
      )}
    </section>
  );
}

function useAnswer<T>(path: string): [T | null, string | null] {
  const [answer, setAnswer] = useState<T | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    call<T>(path).then(setAnswer, (error: Error) => setTrouble(error.message));
  }, [path]);
  return [answer, trouble];
}
