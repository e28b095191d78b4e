"""What is said in the calls. The people, firms and numbers in it do not exist."""

HELPDESK = [
    "Good morning, IT help desk, this is Dana speaking. How can I help you today?",
    "Hello. I am back from my holiday and my password does not work any more.",
    "That happens after sixty days. I will send a reset link to your manager.",
    "Yes, please. I need the payroll system before noon.",
]

CLINIC = [
    "Riverside clinic, you are speaking with Martin. Would you like to book an appointment?",
    "Yes, I would like to see Doctor Harlow about my knee, if possible this week.",
    "There is a free place on Thursday at a quarter past ten. Does that suit you?",
    "Thursday is fine. Should I bring the pictures that the hospital took in March?",
]

BANK_CARD = (
    "This is the card service of Northfield Bank. We have stopped a payment that does not look "
    "like you. Your card is blocked until you confirm it. Please open the app, or visit a branch."
)

PARCEL = (
    "Hello, this is the driver with your parcel. I am standing in front of the green gate. I can "
    "leave it with the neighbour at number twelve, or come back tomorrow."
)

PHARMACY = [
    "Old Town pharmacy, good afternoon.",
    "Good afternoon. I would like to renew the prescription of my mother, Missus Alder.",
    "The tablets for her blood pressure? They will be ready for you after four o'clock.",
    "Wonderful. My brother will collect them on his way home from work.",
]

ENERGY_METER = (
    "Thank you for calling Brightwater Energy. To give us your meter reading, say the five digits "
    "from left to right. If your meter has a red digit, please leave that one out."
)

GARAGE = (
    "You have reached the garage of Peter and sons. We are closed at the moment. Your car is ready "
    "if you have had a message from us. Leave your name and the make of your car after the tone."
)

WERKSTATT = (
    "Guten Tag, hier ist die Fahrradwerkstatt am Markt. Ihr Rad ist fertig, wir haben die Bremsen "
    "und das Licht erneuert. Sie können es bis achtzehn Uhr abholen."
)

HOTEL = (
    "Bonjour, ici l'hôtel du Vieux Pont. Nous vous attendons demain soir. La réception ferme à "
    "vingt-deux heures. Si vous arrivez plus tard, la clé sera dans la boîte près de la porte."
)

BIBLIOTECA = (
    "Buenos días, le llamamos de la biblioteca municipal. Los tres libros que tiene en casa vencen "
    "el lunes. Si quiere renovarlos, diga renovar después de la señal. Muchas gracias."
)

ON_HOLD = [
    "I am still waiting. The machine said five minutes, and that was a quarter of an hour ago.",
    "Yes, I am on hold with the clinic again. No, I will not hang up, I want to hear the results.",
]

ONE_WAY = [
    "Hello? I cannot hear you. I am calling about the refund for my kettle.",
    "Can you hear me? I sent the kettle back two weeks ago.",
]

INSURANCE = [
    "Welcome to Larkhill Insurance, claims department. My name is Robin. What has happened?",
    "Good evening. A branch fell on my car during the storm last night. The rear window is broken.",
    "I am sorry to hear that. Was anybody hurt, and can the car still be driven?",
    "Nobody was hurt. I would rather not drive it, because it is raining into the boot.",
    "Then we will have it collected. Please take a few pictures before the tow truck comes.",
    "I took some this morning. Do I get another car for the time?",
]

BOILER = (
    "This call is recorded for training. We are calling about the boiler in your cellar. The "
    "yearly service is due, and our engineer is in your street next week. Would Tuesday morning "
    "suit you? It takes about half an hour, and somebody has to be at home."
)

TAXI = (
    "Hello, I left a blue umbrella in one of your taxis last night, between the theatre and the "
    "railway station. It has a wooden handle. Could you ask your drivers, please?"
)

OPTICIAN = (
    "This is a message from Clearview Opticians. Your new glasses have arrived. You can try them "
    "on any day before six. Please bring the old pair with you, so that we can compare them."
)
