/** Asks for the token that the page was opened without. */
import { type Credentials, parseFragment } from '../../shared/protocol/handshake.js';
import { keepCredentials } from './access.js';
import { find } from './elements.js';

/** `given` hears of each token that the user enters. Returns what shows or hides the form. */
export function tokenForm(given: (credentials: Credentials) => void): (isShown: boolean) => void {
  const form = find('token-form', HTMLFormElement);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const field = find('token', HTMLInputElement);
    // A whole link will do as well.
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
