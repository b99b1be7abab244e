/** The form that asks for a token, on a page that was opened without one. */
import { type Credentials, parseFragment } from '../../shared/protocol/handshake.js';
import { keepCredentials } from './access.js';
import { find } from './elements.js';

/** `given` is called with each token that the user enters. Returns a function that shows or hides the form. */
export function tokenForm(given: (credentials: Credentials) => void): (isShown: boolean) => void {
  const form = find('token-form', HTMLFormElement);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const field = find('token', HTMLInputElement);
    // The user may also paste a whole link.
    const text = field.value.trim();
    const credentials = parseFragment(text.includes('#') ? text.slice(text.indexOf('#')) : text);
    keepCredentials(credentials);
    field.value = '';
    given(credentials);
  });
  return (isShown) => {
    form.hidden = !isShown;
  };
}
