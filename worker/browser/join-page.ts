/** The join page: opening it joins. */
import { parseFragment } from '../../shared/protocol/handshake.js';
import { joinCluster } from './join.js';

const { token } = parseFragment(location.hash);
const main = document.querySelector('main')!;
joinCluster({
  url: location.origin,
  token,
  onStatus: (status) => {
    main.textContent = JSON.stringify(status);
  },
});
