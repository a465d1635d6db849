"""The notification endpoint (OpenID4VCI 1.0 §11): what a wallet says became of the credentials of one response."""

from credentials.protocols.oauth import InvalidNotificationId, OAuthError
from credentials.protocols.openid4vci import Notification
from issuer.deliveries import Token
from issuer.delivery_ports import Deliveries
from issuer.secrets import stored


def note_notification(store: Deliveries, token: Token, notification: Notification) -> OAuthError | None:
    """Note an event, any number of times; the newest stands. The description is for developers, and not kept."""
    id_hash = stored(notification.notification_id)
    if store.note_event(id_hash, notification.event.value, delivery=token.delivery.id):
        return None
    return InvalidNotificationId("No credential response under this access token had this notification_id.")
